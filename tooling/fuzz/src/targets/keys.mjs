import { built } from '../built.mjs';

export default await built('keys');
