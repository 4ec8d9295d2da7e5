// Imported by the suite in this process and in children that must die or run under a limit. The mode is in the query.
import { napiBackend } from '../dist/index.js';

const options = Object.fromEntries(new URL(import.meta.url).searchParams);

export const open = () => napiBackend(options);
