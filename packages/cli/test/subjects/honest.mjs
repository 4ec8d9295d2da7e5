export { nolockBackend as open } from '@securemem/nolock';
