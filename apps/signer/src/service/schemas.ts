/** Decimal or hexadecimal, up to 2^256: a number in JSON loses what is above 2^53. */
const quantity = {
  type: 'string',
  pattern: '^(0x[0-9a-fA-F]{1,64}|[0-9]{1,78})$',
  maxLength: 78,
  description: 'A whole number, decimal or hexadecimal with 0x, as a string',
};
const rpcQuantity = {
  type: 'string',
  pattern: '^0x[0-9a-fA-F]{1,64}$',
  description: 'A whole number, hexadecimal with 0x',
};
const address = {
  type: 'string',
  pattern: '^0x[0-9a-fA-F]{40}$',
  description: '20 bytes, hexadecimal with 0x; mixed case must be the checksum of EIP-55',
};
const bytes = {
  type: 'string',
  pattern: '^0x([0-9a-fA-F]{2})*$',
  maxLength: 8_194,
  description: 'Up to 4 KiB, hexadecimal with 0x',
};
const accessList = {
  type: 'array',
  maxItems: 64,
  items: {
    type: 'object',
    properties: {
      address,
      storageKeys: {
        type: 'array',
        maxItems: 64,
        items: { type: 'string', pattern: '^0x[0-9a-fA-F]{64}$' },
      },
    },
    required: ['address', 'storageKeys'],
    additionalProperties: false,
  },
};

export const ADDRESS_PARAMS = {
  type: 'object',
  properties: { address },
  required: ['address'],
  additionalProperties: false,
} as const;

/** A legacy, EIP-2930 or EIP-1559 transaction; which fields belong to which type is checked with their values. */
export const TRANSACTION_BODY = {
  type: 'object',
  properties: {
    type: { type: 'string', enum: ['legacy', 'eip2930', 'eip1559'], default: 'eip1559' },
    chainId: quantity,
    nonce: quantity,
    gasLimit: quantity,
    gasPrice: { ...quantity, description: 'Of types legacy and eip2930, in wei' },
    maxPriorityFeePerGas: { ...quantity, description: 'Of type eip1559, in wei' },
    maxFeePerGas: { ...quantity, description: 'Of type eip1559, in wei' },
    to: { ...address, description: 'Absent to create a contract, whose code is the data then' },
    value: { ...quantity, description: 'In wei' },
    data: bytes,
    accessList: { ...accessList, description: 'Of types eip2930 and eip1559' },
  },
  required: ['chainId', 'nonce', 'gasLimit', 'value'],
  additionalProperties: false,
} as const;

/** As Ethereum's JSON-RPC has a transaction. */
export const RPC_TRANSACTION = {
  type: 'object',
  properties: {
    type: { type: 'string', enum: ['0x0', '0x1', '0x2'] },
    from: address,
    to: { anyOf: [address, { type: 'null' }] },
    gas: rpcQuantity,
    gasPrice: rpcQuantity,
    maxFeePerGas: rpcQuantity,
    maxPriorityFeePerGas: rpcQuantity,
    value: rpcQuantity,
    nonce: rpcQuantity,
    chainId: rpcQuantity,
    data: bytes,
    input: bytes,
    accessList,
  },
  required: ['from', 'gas', 'nonce'],
  additionalProperties: false,
} as const;

/** An EIP-191 message, as text or as bytes in hexadecimal. */
export const MESSAGE_BODY = {
  type: 'object',
  properties: { text: { type: 'string', maxLength: 4_096 }, hex: bytes },
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

const KEY = {
  type: 'object',
  description: 'A key: nothing here opens it',
  properties: {
    address,
    origin: { type: 'string', enum: ['created', 'imported'] },
    createdAt: { type: 'string', format: 'date-time' },
  },
  required: ['address', 'origin', 'createdAt'],
} as const;

const hex = { type: 'string', pattern: '^0x[0-9a-fA-F]+$' } as const;

/** What the answers are, for the description of the API. */
export const ANSWERS = {
  key: KEY,
  keys: {
    type: 'object',
    description: 'Keys in the order of their addresses',
    properties: { keys: { type: 'array', items: KEY } },
    required: ['keys'],
  },
  transaction: {
    type: 'object',
    description: 'The signed transaction, ready for the network',
    properties: { from: address, hash: hex, raw: hex },
    required: ['from', 'hash', 'raw'],
  },
  message: {
    type: 'object',
    description: 'The 65 bytes that wallets exchange',
    properties: { from: address, signature: hex },
    required: ['from', 'signature'],
  },
  state: {
    type: 'object',
    description:
      'What the service can do with its keys; `changed` is false where it was so already',
    properties: {
      state: {
        type: 'string',
        enum: ['sealed', 'unsealing', 'unsealed', 'sealing', 'lost', 'halted', 'closing'],
      },
      changed: { type: 'boolean' },
    },
    required: ['state', 'changed'],
  },
  readiness: {
    type: 'object',
    description: 'Whether a request to sign would be served, and what is in the way',
    properties: {
      ready: { type: 'boolean' },
      state: { type: 'string' },
      keys: { type: 'string' },
      storage: { type: 'string' },
    },
    required: ['ready', 'state', 'keys', 'storage'],
  },
  problem: {
    type: 'object',
    description: 'What went wrong (RFC 9457)',
    properties: {
      type: { type: 'string', description: 'A name that programs may rely on' },
      title: { type: 'string' },
      status: { type: 'integer' },
      detail: { type: 'string' },
      errors: {
        type: 'array',
        items: {
          type: 'object',
          properties: { field: { type: 'string' }, rule: { type: 'string' } },
          required: ['field', 'rule'],
        },
      },
    },
    required: ['type', 'title', 'status', 'detail'],
  },
  rpc: {
    type: 'object',
    description: 'A JSON-RPC 2.0 answer',
    properties: {
      jsonrpc: { type: 'string', enum: ['2.0'] },
      id: {},
      result: {},
      error: {
        type: 'object',
        properties: { code: { type: 'integer' }, message: { type: 'string' }, data: {} },
      },
    },
    required: ['jsonrpc', 'id'],
  },
} as const;
