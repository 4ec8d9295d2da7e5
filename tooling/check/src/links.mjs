import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';

/** Whoever reads these pages reads the repository; a changeset becomes part of a changelog elsewhere. */
const PAGES = /^(?!\.changeset\/).*\.md$/;
const FOREIGN = /\/(vendor|fixtures)\//;

/**
 * Every link of a page to a file or heading that is not there, as one line each. Links to other sites are left alone: a
 * check that needs the network fails for reasons that are not ours.
 *
 * @param {string} root @param {readonly string[]} files paths from the root, with forward slashes
 */
export function brokenLinks(root, files) {
  return files
    .filter((file) => PAGES.test(file) && !FOREIGN.test(file) && existsSync(join(root, file)))
    .flatMap((file) => problemsOf(root, file));
}

/** @param {string} root @param {string} file */
function problemsOf(root, file) {
  const text = readFileSync(join(root, file), 'utf8');
  return [...brokenTargets(root, file, text), ...brokenNames(root, file, text)];
}

/** @param {string} root @param {string} file @param {string} text */
function brokenTargets(root, file, text) {
  return linksOf(text).flatMap((target) => {
    const [path = '', heading] = target.split('#');
    const place = path === '' ? file : posix.join(posix.dirname(file), decodeURI(path));
    if (!existsSync(join(root, place))) return [`${file}: ${target} is not there`];
    if (heading === undefined || statSync(join(root, place)).isDirectory()) return [];
    const headings = headingsOf(readFileSync(join(root, place), 'utf8'));
    return headings.has(heading) ? [] : [`${file}: ${target} has no such heading`];
  });
}

/**
 * A link whose text is a name in code leads to the file that defines the name: lines move, names stay. `A.b` is the member b
 * of A. Text with a slash or a dot and an extension is a path, and names nothing.
 * @param {string} root @param {string} file @param {string} text
 */
function brokenNames(root, file, text) {
  const named = text.matchAll(
    /\[`((?:\w+\.)?#?\w+)(?:\(\))?`\]\(([^)\s#]+\.(?:ts|mts|mjs|cc|h))\)/g,
  );
  return [...named].flatMap(([, name = '', target = '']) => {
    const place = join(root, posix.join(posix.dirname(file), target));
    if (/\.(ts|mts|mjs|cc|h)$/.test(name) || !existsSync(place)) return [];
    const source = readFileSync(place, 'utf8');
    const absent = name.split('.').filter((part) => !defines(source, part));
    return absent.map((part) => `${file}: ${target} does not define ${part}`);
  });
}

/** @param {string} source @param {string} name */
function defines(source, name) {
  const declared = `\\b(?:class|interface|type|function\\*?|const|let|struct|enum)\\s+${name}\\b`;
  const member = `^\\s+(?:(?:async|static|readonly|get|set|override|protected) |\\*)*${name}(?:<[^>]*>)?[(:?]`;
  return new RegExp(`${declared}|${member}`, 'm').test(source);
}

/** What a page links to within the repository. @param {string} text */
function linksOf(text) {
  const prose = text.replaceAll(/^ *(```|~~~).*?^ *\1 *$/gms, '').replaceAll(/`[^`\n]*`/g, '');
  const inline = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const referred = [...prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)];
  return [...inline, ...referred]
    .map(([, target]) => /** @type {string} */ (target))
    .filter((target) => !/^([a-z][a-z+.-]*:|\/\/)/i.test(target));
}

/** The anchors that GitHub makes of headings. @param {string} text */
function headingsOf(text) {
  /** @type {Map<string, number>} */
  const seen = new Map();
  const prose = text.replaceAll(/^ *(```|~~~).*?^ *\1 *$/gms, '');
  const anchors = [...prose.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)].map(([, heading = '']) => {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = plain.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-');
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
  const named = [...prose.matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, name = '']) => name);
  return new Set([...anchors, ...named]);
}
