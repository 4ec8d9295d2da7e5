/** Where a copy was found. */
export interface Hit {
  /** As in `/proc/<pid>/maps`, such as `rw-p`. */
  readonly permissions: string;
  /** What is mapped there: a file, `[heap]`, `[anon: …]`, or empty. */
  readonly path: string;
  /** The kernel says that the pages are locked. */
  readonly locked: boolean;
}

export interface ScanOptions {
  /** The process to scan. Default: this one. */
  readonly pid?: number | 'self';
  /** Look into pages without access as well, through the kernel. Default false: what nobody can read is not a copy. */
  readonly closedPages?: boolean;
}

/** Random bytes that a scan can look for without holding them. */
export interface Marker {
  readonly byteLength: number;
  /** Writes the marker to the beginning of `bytes`, which must lie outside V8's moving heap. */
  fill<T extends Uint8Array>(bytes: T): T;
  /** Every copy in the process. Memory that the kernel itself cannot read (memfd_secret) is never found. */
  find(options?: ScanOptions): Hit[];
  /** How many there are. */
  count(options?: ScanOptions): number;
  /** Puts a copy into ordinary memory: the control that shows that the scan finds something. */
  plant(): { readonly bytes: Uint8Array; wipe(): void };
  /** The marker as text that does not contain it, for another process; see `markerFromMasked`. */
  masked(): string;
  /** The same bytes backwards, as a big number is stored. */
  reversed(): Marker;
  /** The text that encodes the marker, as a marker of its own: text is a copy too. Hexadecimal in lower case. */
  asText(encoding: 'hex' | 'base64' | 'base64url'): Marker;
}

/** A new random marker of `byteLength` bytes, 32 unless said otherwise, 16 at least. */
export function createMarker(byteLength?: number): Marker;

/** A marker out of bytes that are there already, such as a derived secret's, which are not copied. */
export function markerOf(bytes: Uint8Array): Marker;

/** The marker that another process has masked. */
export function markerFromMasked(text: string): Marker;

/** A part of the memory of a process that may hold anything. */
export interface Mapping extends Hit {
  readonly start: bigint;
  /** Behind its last byte. */
  readonly end: bigint;
}

/** All of them. Pages without access only where they are asked for, and something is resident there. */
export function mappingsOf(pid: number | 'self', closedPages: boolean): Generator<Mapping>;
