// Holds as many pages as the first argument says, or prints the error that keeps it from it. The second argument is `budget`
// as JSON.
import { createAllocator } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';

const [pages = '1', budget = '{}'] = process.argv.slice(2);
try {
  const memory = createAllocator({ backend: koffiBackend(), budget: JSON.parse(budget) });
  for (let i = 0; i < Number(pages); i++) memory.allocateSync(4096);
  console.log(JSON.stringify({ held: Number(pages) }));
} catch (error) {
  const { code, message, details } = /** @type {import('@securemem/core').SecureMemoryError} */ (
    error
  );
  console.log(JSON.stringify({ code, message, details }));
}
