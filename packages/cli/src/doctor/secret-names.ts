/** Words that the names of secrets are made of. Names are all that is looked at. */
const SECRET =
  /(^|_)(SECRETS?|PASSWORD|PASSWD|PWD|PASS|PASSPHRASE|TOKEN|APIKEY|CREDENTIALS?|DSN|KEY|CONNECTION_STRING|DATABASE_URL|REDIS_URL|MONGO(DB)?_UR[IL])$/i;
/** What ends like one and is none. */
const HARMLESS = /(^|_)(PUBLIC|HOST)_?KEY$|^(OLD)?PWD$/i;
/** Others are no names that a shell can set, and could do anything to a terminal. */
const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The names in an environment that look as if they held a secret, in their order. */
export function secretNamesOf(names: readonly string[]): readonly string[] {
  return names.filter((name) => PLAIN.test(name) && SECRET.test(name) && !HARMLESS.test(name));
}
