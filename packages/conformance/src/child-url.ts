/** The programs that run in other processes. They are plain JavaScript, so that any runtime starts them as they are. */
export const childUrl = (name: 'main' | 'observer' | 'suite' | 'tasks'): URL =>
  new URL(`../child/${name}.mjs`, import.meta.url);
