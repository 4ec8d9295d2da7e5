/**
 * Options as their caller wrote them. An options object that is read as it comes is read through its prototype too, and
 * there lie whatever a careless merge of hostile data has left behind: `{}` then has an `env`, a limit, a fallback. So each
 * public function takes this copy first and reads nothing else.
 */
const { assign, create, keys } = Object;

/**
 * The own enumerable properties of `given`, in a new object without a prototype; none where it is undefined. A getter runs
 * once, here, so that what was checked is what is used. Throws `TypeError` for what is no object; `name` is the parameter
 * that the message speaks of.
 */
export function ownProperties<T extends object>(given: T, name: string): T;
export function ownProperties<T extends object>(given: T | undefined, name: string): Partial<T>;
export function ownProperties<T extends object>(given: T | undefined, name: string): Partial<T> {
  if (given !== undefined && (typeof given !== 'object' || given === null)) {
    throw new TypeError(`${name} must be an object`);
  }
  return assign(create(null) as Partial<T>, given);
}

/**
 * The same for options whose names are known: any other name is a `TypeError` that lists them, since an option that is
 * misspelt and ignored is a protection that nobody has.
 */
export function ownOptions<T extends object>(
  given: T | undefined,
  names: readonly (keyof T & string)[],
  name: string,
): Partial<T> {
  const own = ownProperties(given, name);
  for (const key of keys(own)) {
    if ((names as readonly string[]).includes(key)) continue;
    throw new TypeError(`unknown option ${key} in ${name}; known are ${names.join(', ')}`);
  }
  return own;
}
