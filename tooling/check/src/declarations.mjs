import { freshFiles, manifestOf } from './tarball.mjs';

/**
 * One line for each class that a declaration shows although nobody can import it: the inside of a package is no promise, and
 * whoever reads its types should find nothing but what they can use.
 * @param {ReadonlyMap<string, Buffer>} files of a tarball
 */
export function insideShown(files) {
  const declarations = [...freshFiles(files)].filter(([path]) => /\.d\.[cm]?ts$/.test(path));
  return declarations.flatMap(([path, content]) => {
    const text = content.toString();
    const exported = exportedFrom(text);
    return declaredIn(text)
      .filter((name) => !exported.has(name))
      .map(
        (name) =>
          `${manifestOf(files).name}: ${path} shows the class ${name}, which nobody can import`,
      );
  });
}

/** @param {string} text */
function declaredIn(text) {
  return [...text.matchAll(/^(?:declare )?(?:abstract )?class (\w+)/gm)].map(([, name]) =>
    String(name),
  );
}

/** By the names that they have inside. @param {string} text */
function exportedFrom(text) {
  const lists = [...text.matchAll(/^export (?:type )?\{([^}]*)\}(?! from)/gm)].map(([, list]) =>
    String(list),
  );
  const names = lists
    .flatMap((list) => list.split(','))
    .map((one) => one.trim().replace(/^type /, ''));
  return new Set(names.map((one) => String(one.split(' as ')[0])));
}
