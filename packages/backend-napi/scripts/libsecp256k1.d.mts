export const LIBSECP256K1: string;
export const SECP256K1_FLAGS: readonly string[];
