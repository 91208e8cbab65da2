// @ts-check
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { NotTriedAgain, rememberFailures } from './cache.mjs';
import { folderOf, isSame, nameOf, writeRecord } from './data-record.mjs';
import { Engine } from './engine.mjs';
import { codeOf } from './identity.mjs';
import { DiskFull, Failure } from './processes.mjs';

/**
 * @typedef {import('./chain.d.mts').Context} Context
 * @typedef {import('./chain.d.mts').Identity} Identity
 * @typedef {import('./chain.d.mts').Candidate} Candidate
 * @typedef {import('./chain.d.mts').Link} Link
 * @typedef {{ links: Link[], context: Context, home: string, record: Identity | null, port: () => Promise<number>, mayBeEmpty: boolean }} Chain
 *   `mayBeEmpty`: what it holds may be lost, so that it begins with nothing rather than not at all
 * @typedef {Chain & { fits: (one: Identity) => boolean, isAfresh: boolean }} Search `isAfresh`: data of another time is not opened
 * @typedef {{ tried: string[], refused: string[] }} Story `refused`: the engines that are here but do not start on the data
 */

/** @param {unknown} error @returns {boolean} whether another link, or another try, may help */
const isLocal = (error) => error instanceof Failure && !(error instanceof DiskFull);

/** The engine is here and runs, but it does not come up: with its data most likely. */
class DoesNotComeUp extends Failure {}

/** @param {Engine} engine @throws DoesNotComeUp */
async function bringUp(engine) {
  await engine.restart().catch((error) => {
    throw isLocal(error) ? new DoesNotComeUp(error.message) : error;
  });
}

/**
 * One candidate, from nothing to serving. One that does not run any more is built anew, once.
 * @param {Search} search @param {Candidate} candidate
 */
async function begin({ context, home, port }, candidate) {
  const folder = folderOf(home, candidate);
  mkdirSync(folder, { recursive: true });
  await candidate.prepare(context, folder);
  const engine = new Engine(candidate, context, folder, await port());
  try {
    await bringUp(engine);
  } catch (error) {
    context.signal?.throwIfAborted();
    if (!isLocal(error) || (await candidate.renew?.(context)) !== true) throw error;
    await bringUp(engine);
  }
  writeRecord(home, candidate);
  return engine;
}

/** @param {string} folder @returns {boolean} */
function holdsData(folder) {
  try {
    return readdirSync(folder).length > 0;
  } catch {
    return false;
  }
}

/** @param {string} folder @returns {string} where what was in it is now; only the last one is kept */
function setAside(folder) {
  const aside = `${folder}.set-aside`;
  rmSync(aside, { recursive: true, force: true });
  renameSync(folder, aside);
  return aside;
}

/**
 * As begin; where the data may be lost, without it if it cannot be read.
 * @param {Search} search @param {Candidate} candidate
 */
async function beginEvenEmpty(search, candidate) {
  const { context, home, isAfresh, mayBeEmpty } = search;
  const folder = folderOf(home, candidate);
  if (isAfresh && holdsData(folder)) setAside(folder);
  const hadData = holdsData(folder);
  try {
    return await begin(search, candidate);
  } catch (error) {
    context.signal?.throwIfAborted();
    if (!mayBeEmpty || !hadData || !isLocal(error)) throw error;
    const aside = setAside(folder);
    const engine = await begin(search, candidate).catch((second) => {
      rmSync(folder, { recursive: true, force: true });
      renameSync(aside, folder);
      throw isLocal(second) ? error : second;
    });
    const why = error instanceof Error ? error.message : '';
    context.say(
      `WARNING: ${nameOf(candidate)} could not read its data and starts empty; what was queued is queued again. (${why}) The data is in ${aside} now.`,
    );
    return engine;
  }
}

/**
 * @param {Search} search @param {Link} link @param {Story} story
 * @returns {Promise<Engine | null>} null when none of this link's may open the data; why goes into the story
 */
async function tryLink(search, link, story) {
  const found = await link.find(search.context);
  const fitting = found.filter(search.fits);
  if (fitting.length === 0) story.tried.push(`${link.name}: has ${found.map(nameOf).join(', ')}`);
  for (const candidate of fitting) {
    try {
      return await beginEvenEmpty(search, candidate);
    } catch (error) {
      if (error instanceof DoesNotComeUp) story.refused.push(error.message);
      throw error;
    }
  }
  return null;
}

/**
 * @param {Search} search @param {Link[]} links @param {Story} story @param {Link[]} passedOver gets those that failed within a day
 * @returns {Promise<Engine | null>}
 */
async function tryLinks(search, links, story, passedOver) {
  for (const link of links) {
    try {
      const engine = await tryLink(search, link, story);
      if (engine !== null) return engine;
    } catch (error) {
      search.context.signal?.throwIfAborted();
      if (['ENOSPC', 'EDQUOT'].includes(codeOf(error))) throw new DiskFull();
      if (!(error instanceof Failure) || error instanceof DiskFull) throw error;
      if (error instanceof NotTriedAgain) passedOver.push(link);
      else story.tried.push(`${link.name}: ${error.message}`);
    }
  }
  return null;
}

/**
 * The first link that can give an engine gives it. What failed within a day is passed over, until nothing else gives one.
 * @param {Search} search @param {Story} story
 * @returns {Promise<Engine | null>} null when none does
 */
async function findEngine(search, story) {
  const { context } = search;
  /** @type {Link[]} */
  const passedOver = [];
  const first = await tryLinks(search, search.links, story, passedOver);
  if (first !== null || passedOver.length === 0) return first;
  return tryLinks({ ...search, context: { ...context, remembersFailures: false } }, passedOver, story, []);
}

/**
 * Walks the chain to an engine that serves.
 * @param {Chain} chain
 * @returns {Promise<Engine | Story>} the story of what was tried when there is none
 * @throws DiskFull, the signal's reason, or what is a bug
 */
export async function startByChain(chain) {
  const { context, record } = chain;
  /** @type {Story} */
  const story = { tried: [], refused: [] };
  const fits = (/** @type {Identity} */ one) => record === null || isSame(one, record);
  const links = chain.links.filter(({ engine }) => record === null || engine === undefined || engine === record.engine);
  const engine = await findEngine({ ...chain, links, fits, isAfresh: false }, story);
  if (engine === null && record !== null && chain.mayBeEmpty) return startAfresh(chain, record, story);
  if (engine === null) return story;
  rememberFailures(context);
  context.say(engine.describe);
  return engine;
}

/**
 * Another engine than the one that wrote the data, where that may be lost.
 * @param {Chain} chain @param {Identity} record @param {Story} story
 * @returns {Promise<Engine | Story>}
 */
async function startAfresh(chain, record, story) {
  const fits = (/** @type {Identity} */ one) => !isSame(one, record);
  const engine = await findEngine({ ...chain, fits, isAfresh: true }, { tried: [], refused: [] });
  if (engine === null) return story;
  chain.context.say(
    `WARNING: the data was written by ${nameOf(record)}, which cannot be started; ${engine.describe} starts empty, and what was queued is queued again.`,
  );
  return engine;
}
