import { built } from '../channel/built.mjs';

export default await built('keeper');
