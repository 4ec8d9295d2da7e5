import { root } from '@securemem/launch/workspace';
import { draw } from './rooms.mjs';

/** Draws the table of rooms into `docs/ARCHITECTURE.md`. */
draw(root);
