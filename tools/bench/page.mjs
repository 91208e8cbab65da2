import { figure, markdownTable, scenarioTable } from './table.mjs';

// docs/performance.md: the part between the marks is made from bench/results.json, the rest is written by people and kept.

const BEGIN = '<!-- made by `npm run bench`: begin -->';
const END = '<!-- made by `npm run bench`: end -->';
const EMPTY = `# Performance\n\n${BEGIN}\n${END}\n`;

const nested = (title, value) =>
  Object.entries(value).map(([name, inner]) => [
    title,
    name,
    typeof inner === 'object' && inner !== null
      ? Object.entries(inner)
          .filter(([, one]) => typeof one === 'number')
          .map(([key, one]) => `${key} ${figure(one)}`)
          .join(', ')
      : figure(inner),
  ]);

function specialTable(special, titles) {
  const rows = Object.entries(special).flatMap(([id, value]) =>
    value.failure ? [[titles[id] ?? id, '', `does not count: ${value.failure}`]] : nested(titles[id] ?? id, value),
  );
  return { head: ['', '', 'figures'], rows };
}

function body({ machine, options, lines, special, titles, goals, at }) {
  const reached = goals.filter(({ isReached }) => isReached).length;
  return `
Measured on ${at.slice(0, 10)}: ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}; commit ${machine.commit || 'unknown'}. Engines: ${machine.engines.join('; ')}.
Load, API, worker and all three engines share the machine. ${options.rounds} rounds of ${options.seconds} s; product and floor in turns; a figure stands only if all messages were there afterwards, once, in order, in both stores.

\`\`\`sh
npm run bench                              # all of it: 10 to 12 minutes
npm run bench -- --only send,page          # what begins with these words
npm run bench -- --quick                   # shows that it works; its figures mean little
npm run bench -- --profile send            # dist/bench/profile-*.cpuprofile, and where the CPU goes
\`\`\`

The **floor** (\`tools/bench/floor\`) is a bare Fastify program with the drivers of the stores: the same answers, statements, batches, jobs, validation and authentication, and nothing else. Its worker is the product's.

## What is to be reached: ${reached} of ${goals.length}

${markdownTable({ head: ['', '', 'measured', 'goal'], rows: goals.map(({ what, value, goal, isReached }) => [what, isReached ? 'reached' : '**not yet**', figure(value), goal]) })}

## Calls

Median of the rounds, lowest and highest in brackets; CPU per request of each process with its children, the worker's work for it included.

${markdownTable(scenarioTable(lines))}

![Throughput and latency over the size of a conversation](../bench/sizes.svg)

## The rest

${markdownTable(specialTable(special, titles))}
`;
}

/** The page with today's figures; what stands outside the marks stays. @param {string | null} page what is there @param {object} results */
export function pageWith(page, results) {
  const [before, rest = ''] = (page?.includes(BEGIN) ? page : EMPTY).split(BEGIN);
  const after = rest.split(END)[1] ?? '\n';
  return `${before}${BEGIN}\n${body(results)}\n${END}${after}`;
}
