import { bugs } from './bugs/index.mjs';
import { Outsider } from './outsider.mjs';
import { variants } from './variants.mjs';

/** `subject.mjs?bug=NAME` breaks one step, `?variant=NAME` takes another way that is as good. Children import the same URL. */
const { searchParams } = new URL(import.meta.url);
const [bug, variant] = [searchParams.get('bug'), searchParams.get('variant')];
const change =
  bug === null ? (variant === null ? undefined : variants[variant]) : bugs[bug]?.change;
if ((bug ?? variant) !== null && change === undefined) throw new Error(`no ${bug ?? variant}`);
const Subject = change === undefined ? Outsider : change(Outsider);

export const open = () => new Subject();
