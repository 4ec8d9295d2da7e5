/**
 * An address of this process. An FFI gives pointers as plain `bigint`, which carry no type: a number that comes from
 * anywhere else would be followed just the same and crash the process. The brand keeps the two apart, and no address leaves
 * this package: not in a region id, not in an error, not in an event.
 */
export type Address = bigint & { readonly __brand: 'Address' };

/** The only arithmetic on addresses. `byteOffset` may be negative. */
export function offsetBy(address: Address, byteOffset: number): Address {
  return (byteOffset === 0 ? address : address + BigInt(byteOffset)) as Address;
}
