// Where the CPU of a process went, from what V8's sampling profiler wrote. Pure.

/** Microseconds by function, the most first. @param {{ nodes: readonly object[], samples: readonly number[], timeDeltas: readonly number[] }} profile */
export function selfTimes({ nodes, samples, timeDeltas }) {
  const frames = framesOf(nodes);
  const times = new Map();
  samples.forEach((id, i) => {
    const frame = frames.get(id);
    if (frame === undefined) return;
    const { functionName, url, lineNumber } = frame;
    const where = `${functionName || '(anonymous)'} ${placeOf(url)}${url === '' ? '' : `:${lineNumber + 1}`}`.trim();
    const known = times.get(where) ?? { where, group: groupOf(functionName, url), us: 0 };
    known.us += timeDeltas[i] ?? 0;
    times.set(where, known);
  });
  return [...times.values()].filter(({ where }) => where !== '(idle)').sort((a, b) => b.us - a.us);
}

/** The function of each node, but of those that the profiler itself spends time in. */
function framesOf(nodes) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const frames = new Map();
  const walk = (node) => {
    if (node.callFrame.url === 'node:inspector') return;
    frames.set(node.id, node.callFrame);
    for (const child of node.children ?? []) walk(byId.get(child));
  };
  if (nodes[0]) walk(nodes[0]);
  return frames;
}

/** @param {readonly { group: string, us: number }[]} times */
export function byGroup(times) {
  const groups = new Map();
  for (const { group, us } of times) groups.set(group, (groups.get(group) ?? 0) + us);
  return [...groups].map(([group, us]) => ({ where: group, us })).sort((a, b) => b.us - a.us);
}

const placeOf = (url) =>
  url
    .replace(/^file:\/\//, '')
    .replace(/.*node_modules\//, '')
    .replace(/.*\/(dist|tools)\//, '$1/');

/** The package, Node itself, our own code, or what V8 does by itself. */
function groupOf(functionName, url) {
  const inPackage = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (inPackage) return inPackage;
  if (url.startsWith('node:')) return 'node';
  if (url === '') return functionName === '(garbage collector)' ? 'garbage collector' : 'native';
  return 'own code';
}
