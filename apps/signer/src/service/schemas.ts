/** Decimal or hexadecimal, up to 2^256: a number in JSON loses what is above 2^53. */
const quantity = { type: 'string', pattern: '^(0x[0-9a-fA-F]{1,64}|[0-9]{1,78})$', maxLength: 78 };
const address = { type: 'string', pattern: '^0x[0-9a-fA-F]{40}$' };

export const ADDRESS_PARAMS = {
  type: 'object',
  properties: { address },
  required: ['address'],
  additionalProperties: false,
} as const;

/** An EIP-1559 transaction. `data` is at most 4 KiB. */
export const TRANSACTION_BODY = {
  type: 'object',
  properties: {
    chainId: quantity,
    nonce: quantity,
    maxPriorityFeePerGas: quantity,
    maxFeePerGas: quantity,
    gasLimit: quantity,
    to: address,
    value: quantity,
    data: { type: 'string', pattern: '^0x([0-9a-fA-F]{2})*$', maxLength: 8_194 },
  },
  required: ['chainId', 'nonce', 'maxPriorityFeePerGas', 'maxFeePerGas', 'gasLimit', 'to', 'value'],
  additionalProperties: false,
} as const;

/** An EIP-191 message, as text or as bytes in hexadecimal. */
export const MESSAGE_BODY = {
  type: 'object',
  properties: {
    text: { type: 'string', maxLength: 4_096 },
    hex: { type: 'string', pattern: '^0x([0-9a-fA-F]{2})*$', maxLength: 8_194 },
  },
  oneOf: [{ required: ['text'] }, { required: ['hex'] }],
  additionalProperties: false,
} as const;

export const LIST_QUERY = {
  type: 'object',
  properties: {
    after: { type: 'string', pattern: '^(0x[0-9a-fA-F]{0,40})?$' },
    limit: { type: 'string', pattern: '^([1-9][0-9]{0,2})$' },
  },
  additionalProperties: false,
} as const;
