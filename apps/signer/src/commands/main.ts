import { backup } from './backup.js';
import { importKey } from './import-key.js';
import { restore } from './restore.js';
import { rotateMasterKey } from './rotate-master-key.js';
import { verifyAudit } from './verify-audit.js';

/** What is done beside the service; each takes its own options, and resolves with a line about what it did. */
export const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<string>>> = {
  backup,
  'import-key': importKey,
  restore,
  'rotate-master-key': rotateMasterKey,
  'verify-audit': verifyAudit,
};
