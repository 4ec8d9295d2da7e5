import { PROTOCOL_VERSION } from '../channel/frame.js';
import { encodeMetadata } from '../channel/metadata.js';
import type { CompleteOptions } from '../complete-options.js';

/** Descriptors of the host follow standard input, output and error, the channel and the pipe that ends with the host. */
const FIRST_DESCRIPTOR = 5;

/** What the host says first, in bytes. Throws `RangeError` where names and paths are longer than a greeting may be. */
export function encodeHello(options: CompleteOptions): Uint8Array {
  const { moduleUrl, limits, payloadByteLengthMax, callsMax, hostCallsMax, host } = options;
  const { heapByteLengthMax: _, ...asked } = limits;
  return encodeMetadata({
    version: PROTOCOL_VERSION,
    moduleUrl,
    // No core file is the default, which a module without `harden` may leave to the system; a wish is another thing.
    limits: { coreByteLengthMax: 0, ...asked },
    askedLimits: Object.keys(asked),
    payloadByteLengthMax,
    callsMax,
    hostCallsMax,
    hostFunctions: Object.keys(host),
    descriptors: options.descriptors.map((_descriptor, index) => FIRST_DESCRIPTOR + index),
  });
}
