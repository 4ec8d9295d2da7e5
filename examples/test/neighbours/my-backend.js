// What a page calls `./my-backend.js`.
export { nolockBackend as open } from '@securemem/nolock';
