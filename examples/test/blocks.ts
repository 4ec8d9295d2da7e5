import { randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

export const ROOT = join(import.meta.dirname, '../..');

/** Inside the package of the examples, so that imports find what it depends on. */
const DIRECTORY = join(import.meta.dirname, '../.cache/blocks');
const AMBIENT = join(import.meta.dirname, 'ambient.d.ts');
/** Files that pages take for granted beside their own. */
const NEIGHBOURS = join(import.meta.dirname, 'neighbours');
const neighbours = readdirSync(NEIGHBOURS);

/** A piece of TypeScript or JavaScript in a page. */
interface Block {
  /** Page and line, for people. */
  readonly name: string;
  readonly page: string;
  /** Where it was written. */
  readonly file: string;
}

/** A block after the compiler has seen it. */
export interface CheckedBlock extends Block {
  readonly problems: readonly string[];
  /** It uses names that its page takes for granted, so it cannot be run by itself. */
  readonly fragment: boolean;
}

/** Every page that a reader of the repository may open, as paths from the root. */
function pages(): string[] {
  const readmes = ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(ROOT, group)).map((name) => `${group}/${name}/README.md`),
  );
  return [...markdownIn('.', false), ...markdownIn('docs', true), ...readmes, 'examples/README.md']
    .filter((path) => existsSync(join(ROOT, path)))
    .sort();
}

function markdownIn(directory: string, deep: boolean): string[] {
  return readdirSync(join(ROOT, directory), { recursive: deep, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(directory, name));
}

/** Writes every block of every page to a file, compiles all of them at once, and says what the compiler says. */
export function checkBlocks(): CheckedBlock[] {
  rmSync(DIRECTORY, { recursive: true, force: true });
  const blocks = pages().flatMap(extract);
  // JavaScript says nothing of types: it cannot know what may be undefined.
  const lenient = { strict: false, noUncheckedIndexedAccess: false };
  return [
    ...compile(
      blocks.filter(({ file }) => file.endsWith('.mts')),
      {},
    ),
    ...compile(
      blocks.filter(({ file }) => file.endsWith('.mjs')),
      lenient,
    ),
  ];
}

function compile(blocks: readonly Block[], options: ts.CompilerOptions): CheckedBlock[] {
  const files = [AMBIENT, ...blocks.map(({ file }) => file)];
  const program = ts.createProgram(files, { ...compilerOptions(), ...options });
  const checker = program.getTypeChecker();
  return blocks.map((block) => {
    const source = program.getSourceFile(block.file) as ts.SourceFile;
    const found = [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ];
    const problems = found.map(({ messageText }) =>
      ts.flattenDiagnosticMessageText(messageText, ' '),
    );
    return { ...block, problems, fragment: takesForGranted(source, checker) };
  });
}

/** The file to run: JavaScript as it stands, TypeScript without its types. */
export function runnable({ file }: CheckedBlock): string {
  if (file.endsWith('.mjs')) return file;
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  const output = file.replace(/\.mts$/, '.out.mjs');
  writeFileSync(
    output,
    ts.transpileModule(readFileSync(file, 'utf8'), { compilerOptions }).outputText,
  );
  return output;
}

function extract(page: string): Block[] {
  const markdown = readFileSync(join(ROOT, page), 'utf8');
  const directory = join(DIRECTORY, page.replaceAll(/[^A-Za-z]+/g, '-'));
  return [...markdown.matchAll(/^```(ts|js)\n(.*?)^```$/gms)].map((match, i) => {
    const [, language, text] = match as unknown as [string, 'ts' | 'js', string];
    const line = markdown.slice(0, match.index).split('\n').length + 1;
    // A block that begins with the name of a file is that file, for the blocks beside it.
    const named = text.match(/^\/\/ ([\w-]+\.mjs)\n/)?.[1];
    const file = join(directory, named ?? `${i}.${language === 'ts' ? 'mts' : 'mjs'}`);
    mkdirSync(directory, { recursive: true });
    cpSync(NEIGHBOURS, directory, { recursive: true });
    writeFileSync(file, `${withSecretFile(text)}\nexport {};\n`);
    return { name: `${page}:${line}`, page, file };
  });
}

/** Pages read keys where containers mount them; a test has a key of its own. */
function withSecretFile(text: string): string {
  const file = join(DIRECTORY, 'signing-key');
  writeFileSync(file, randomBytes(32));
  return text.replaceAll(/\/run\/secrets\/[\w-]+/g, file);
}

function compilerOptions(): ts.CompilerOptions {
  const path = join(ROOT, 'examples/tsconfig.json');
  const { config } = ts.readConfigFile(path, ts.sys.readFile);
  return ts.parseJsonConfigFileContent(config, ts.sys, dirname(path)).options;
}

/** Whether the block uses a name or a file that its page does not define. */
function takesForGranted(source: ts.SourceFile, checker: ts.TypeChecker): boolean {
  if (neighbours.some((name) => source.text.includes(`'./${name}'`))) return true;
  let found = false;
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const symbol = ts.isShorthandPropertyAssignment(node.parent)
        ? checker.getShorthandAssignmentValueSymbol(node.parent)
        : checker.getSymbolAtLocation(node);
      const declarations = symbol?.declarations ?? [];
      found ||= declarations.some((each) => each.getSourceFile().fileName === AMBIENT);
    }
    if (!found) ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}
