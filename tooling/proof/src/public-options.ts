import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** What the types of a package say of the options that its public functions take. */
export interface PublicOptions {
  /** `function` or `Class.method`, of each that takes an object of options. */
  readonly takers: readonly string[];
  /** Every name of every such object, those of objects inside it among them. */
  readonly names: readonly string[];
}

/** Reads it off the entry points of packages, by TypeScript's own checker. */
export function publicOptions(entries: readonly URL[]): PublicOptions {
  const files = entries.map((entry) => fileURLToPath(entry));
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
  });
  const reader = new Reader(program.getTypeChecker());
  for (const file of files) reader.module(program.getSourceFile(file) as ts.SourceFile);
  return { takers: [...reader.takers].toSorted(), names: [...reader.names].toSorted() };
}

class Reader {
  readonly takers = new Set<string>();
  readonly names = new Set<string>();
  readonly #checker: ts.TypeChecker;
  readonly #seen = new Set<ts.Type>();

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  module(file: ts.SourceFile): void {
    const symbol = this.#checker.getSymbolAtLocation(file) as ts.Symbol;
    for (const exported of this.#checker.getExportsOfModule(symbol)) this.#value(exported);
  }

  #value(exported: ts.Symbol): void {
    const aliased = (exported.flags & ts.SymbolFlags.Alias) !== 0;
    const symbol = aliased ? this.#checker.getAliasedSymbol(exported) : exported;
    const { valueDeclaration } = symbol;
    if (valueDeclaration === undefined) return;
    const type = this.#checker.getTypeOfSymbolAtLocation(symbol, valueDeclaration);
    const called = [...type.getCallSignatures()];
    if (ts.isClassDeclaration(valueDeclaration)) {
      called.push(...type.getConstructSignatures());
      this.#methods(this.#checker.getDeclaredTypeOfSymbol(symbol), symbol.name);
    }
    this.#signatures(called, symbol.name);
    // What hangs on a function, as `probe` does on a factory.
    if (called.length > 0) this.#methods(type, symbol.name);
  }

  #methods(type: ts.Type, of: string): void {
    for (const member of type.getProperties()) {
      const declaration = member.valueDeclaration;
      if (declaration === undefined || !isOurs(declaration) || isPrivate(declaration)) continue;
      const memberType = this.#checker.getTypeOfSymbolAtLocation(member, declaration);
      this.#signatures(memberType.getCallSignatures(), `${of}.${member.name}`);
    }
  }

  #signatures(signatures: readonly ts.Signature[], name: string): void {
    for (const signature of signatures) {
      for (const parameter of signature.getParameters()) {
        const declaration = parameter.valueDeclaration as ts.Declaration;
        const type = this.#checker.getTypeOfSymbolAtLocation(parameter, declaration);
        if (this.#options(type)) this.takers.add(name);
      }
    }
  }

  /** Whether the type is one of options, all of whose names are noted then. */
  #options(type: ts.Type): boolean {
    const given = type.isTypeParameter() ? (type.getConstraint() ?? type) : type;
    if (given.isUnion()) return given.types.map((part) => this.#options(part)).some(Boolean);
    if (given.isIntersection()) {
      // A number with a brand is no object of options.
      if (given.types.some((part) => (part.flags & ts.TypeFlags.Object) === 0)) return false;
      return given.types.map((part) => this.#options(part)).some(Boolean);
    }
    if (!isPlainObject(given)) return false;
    if (this.#seen.has(given)) return true;
    this.#seen.add(given);
    for (const property of given.getProperties()) {
      this.names.add(property.name);
      const declaration = property.valueDeclaration ?? property.declarations?.[0];
      if (declaration === undefined) continue;
      this.#options(this.#checker.getTypeOfSymbolAtLocation(property, declaration));
    }
    return true;
  }
}

/** An interface or a literal of ours with data in it: no class, no function, nothing of the language or of Node. */
function isPlainObject(type: ts.Type): boolean {
  const declaration = type.getSymbol()?.declarations?.[0];
  if (declaration === undefined || !isOurs(declaration)) return false;
  if (type.getCallSignatures().length > 0 || type.getConstructSignatures().length > 0) return false;
  if (ts.isTypeLiteralNode(declaration) || ts.isMappedTypeNode(declaration)) return true;
  return ts.isInterfaceDeclaration(declaration) && !declaration.members.some(ts.isMethodSignature);
}

function isOurs(declaration: ts.Declaration): boolean {
  return !/\/node_modules\/(?!@securemem\/)/.test(declaration.getSourceFile().fileName);
}

function isPrivate(declaration: ts.Declaration): boolean {
  const { name } = declaration as ts.NamedDeclaration;
  if (name !== undefined && ts.isPrivateIdentifier(name)) return true;
  return ts.getJSDocTags(declaration).some((tag) => tag.tagName.text === 'internal');
}
