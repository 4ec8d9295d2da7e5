import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const WORKFLOW = /^\.github\/workflows\/[^/]+\.ya?ml$/;
/** A tag can be moved to other code by whoever owns it; a commit cannot. The version beside it is for people and for Dependabot. */
const PINNED = /^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$/;

/**
 * One line for each action that a workflow takes by anything but a commit and its version.
 * @param {string} root @param {readonly string[]} files paths from the root
 */
export function unpinnedActions(root, files) {
  return files
    .filter((file) => WORKFLOW.test(file))
    .flatMap((file) =>
      actionsOf(readFileSync(join(root, file), 'utf8'))
        .filter((action) => !PINNED.test(action) && !action.startsWith('./'))
        .map((action) => `${file}: ${action} is not pinned to a commit with its version`),
    );
}

/** What follows each `uses:`, with its comment. @param {string} text */
function actionsOf(text) {
  return [...text.matchAll(/^\s*(?:- )?uses:\s*(.*?)\s*$/gm)].map(([, action]) => String(action));
}
