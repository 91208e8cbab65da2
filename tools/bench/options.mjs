import { Failure } from '../local-stack/processes.mjs';

export const USAGE =
  "npm run bench -- [--only <name>,…] [--quick] [--profile <name>]   a name is the beginning of a scenario's: send, page, inbox, search, login, refresh, answer, rest, calls, worker, overload, allocations";

/**
 * @param {readonly string[]} args @param {readonly string[]} known the ids there are
 * @returns {{ isQuick: boolean, profile: string | null, isWanted: (id: string) => boolean, isWhole: boolean }}
 * @throws Failure for what is no option, or names no scenario
 */
export function readOptions(args, known) {
  const options = { isQuick: false, profile: null, only: [] };
  for (let i = 0; i < args.length; i += 1) {
    const [name, given] = args[i].split('=');
    const value = () => given ?? args[(i += 1)] ?? '';
    if (name === '--quick') options.isQuick = true;
    else if (name === '--only') options.only = value().split(',');
    else if (name === '--profile') options.profile = value();
    else throw new Failure(`${args[i]} is no option. ${USAGE}`);
  }
  if (options.profile !== null) options.only = [options.profile];
  const stranger = options.only.find((prefix) => prefix === '' || !known.some((id) => id.startsWith(prefix)));
  if (stranger !== undefined) throw new Failure(`No scenario begins with "${stranger}". ${USAGE}`);
  const isWanted = (id) =>
    options.only.length === 0 || options.only.some((prefix) => id === prefix || id.startsWith(`${prefix}-`));
  return { isQuick: options.isQuick, profile: options.profile, isWanted, isWhole: options.only.length === 0 };
}
