import { compareDesigns } from './storm/comparison.js';
import { parseStorm } from './storm/options.js';

const command = parseStorm([]);
if (command !== 'help') await compareDesigns(command.options);
