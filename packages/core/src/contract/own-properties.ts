/**
 * Options as their caller wrote them. An options object that is read as it comes is read through its prototype too, and
 * there lie whatever a careless merge of hostile data has left behind: `{}` then has an `env`, a limit, a fallback. So each
 * public function takes this copy first and reads nothing else.
 */
const { assign, create } = Object;

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
