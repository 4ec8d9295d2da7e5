import { remedies } from '@securemem/core';
import type { Facts } from '../facts.js';
import type { Finding } from '../finding.js';

/** Node's permission model, which forbids native addons and `node:ffi` unless told otherwise. */
export function checkPermissionModel({ permissionModel, backends }: Facts): Finding | undefined {
  const id = 'permission-model';
  if (!permissionModel.on) {
    const says = "Node's permission model is off: native backends may be loaded";
    return { id, level: 'good', says, remedies: [] };
  }
  if (permissionModel.addons) {
    const says = "Node's permission model is on and allows native addons";
    return { id, level: 'good', says, remedies: [] };
  }
  const locking = backends.find(({ capabilities }) => capabilities?.locking === 'locked');
  if (locking !== undefined) {
    const says = `Node's permission model is on and allows what ${locking.packageName} needs`;
    return { id, level: 'good', says, remedies: [] };
  }
  const says = "Node's permission model forbids native addons: no backend that locks can be loaded";
  return { id, level: 'blocked', says, remedies: [remedies.PERMISSION_REMEDY] };
}

/** Whether accesses give views or copies. */
export function checkExternalBuffers({ backends }: Facts): Finding | undefined {
  const open = backends.filter(
    ({ capabilities, name }) => capabilities !== undefined && name !== 'nolock',
  );
  if (open.length === 0) return undefined;
  const id = 'external-buffers';
  const without = open.filter(({ capabilities }) => capabilities?.views === 'none');
  if (without.length === 0) {
    const says = 'this runtime has external buffers: an access is a view of the page, and ends';
    return { id, level: 'good', says, remedies: [] };
  }
  const says = `this runtime has no external buffers: an access lends a copy, which is wiped afterwards`;
  return { id, level: 'weak', says, remedies: [] };
}

/** A listener that turns the death by a stray touch into an endless loop. */
export function checkSigsegv({ sigsegvListeners }: Facts): Finding {
  const id = 'sigsegv-listener';
  if (sigsegvListeners === 0) {
    return { id, level: 'good', says: 'nothing listens to SIGSEGV', remedies: [] };
  }
  const says = 'something listens to SIGSEGV in JavaScript';
  return { id, level: 'weak', says, remedies: [remedies.SIGSEGV_REMEDY] };
}

/** Whether any backend locks here. */
export function checkBackends({ backends }: Facts): Finding {
  const id = 'backend';
  const locking = backends.filter(
    ({ capabilities, trial }) => capabilities?.locking === 'locked' && trial?.passed === true,
  );
  const first = locking[0];
  if (first !== undefined) {
    const names = locking.map(({ packageName }) => packageName).join(' and ');
    return { id, level: 'good', says: `${names} locked a page and gave it back`, remedies: [] };
  }
  const installed = backends.filter(({ state, name }) => state !== 'missing' && name !== 'nolock');
  if (installed.length === 0) {
    const says = 'no backend that locks memory is installed here';
    return { id, level: 'blocked', says, remedies: ['npm install @securemem/koffi'] };
  }
  const why = installed.map(({ packageName, reason, trial }) => {
    const refused = trial?.passed === false ? `a page was refused with ${trial.code}` : undefined;
    return `${packageName}: ${reason ?? refused ?? 'unknown'}`;
  });
  return {
    id,
    level: 'blocked',
    says: `no backend can lock memory here (${why.join('; ')})`,
    remedies: [],
  };
}
