import { entriesOf, readCompose, wordsOf, type Entries } from './compose-files.js';

const base = readCompose('docker-compose.yml');
const scale = readCompose('docker/compose.scale.yml');
const managed = readCompose('docker/compose.managed.yml');
const others = [scale, ...['dev', 'production'].map((name) => readCompose(`docker/compose.${name}.yml`))];
const overlays = [...others, managed];

/** Each service where it is made, by its name. */
const made: readonly (readonly [string, Entries])[] = Object.entries({
  ...base.services,
  proxy: scale.services.proxy,
}).map(([name, service]) => [name, entriesOf(service)]);

const changesBy = ({ services }: { services: Entries }): readonly (readonly [string, Entries])[] =>
  Object.entries(services)
    .filter(([name]) => name in base.services)
    .map(([name, service]) => [name, entriesOf(service)]);

/** What overlays change of them. */
const changes = overlays.flatMap(changesBy);

const networksOf = (service: unknown): readonly string[] => wordsOf(entriesOf(service).networks);

function hasWayOut(name: string): boolean {
  const network = entriesOf({ ...base.networks, ...scale.networks }[name]);
  const options = entriesOf(network.driver_opts);
  return network.internal !== true && options['com.docker.network.bridge.enable_ip_masquerade'] !== 'false';
}

describe('each container of the compose files', () => {
  it('is one of these', () => {
    expect(made.map(([name]) => name)).toEqual(['api', 'worker', 'migrate', 'postgres', 'mongo', 'redis', 'proxy']);
  });

  it.each(made)('%s has no capability but those that are named, and can get none', (_, service) => {
    expect(service).toMatchObject({ cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
  });

  it.each(made)('%s has a root file system that cannot be written, and a limit for each that can', (_, service) => {
    expect(service.read_only).toBe(true);
    for (const mount of wordsOf(service.tmpfs)) expect(mount).toMatch(/^\/[a-z/]+:size=\d+m(?:,|$)/);
  });

  it('runs no JavaScript of queries in MongoDB, whichever files are named', () => {
    expect(wordsOf(entriesOf(base.services['mongo']).command)).toContain('--noscripting');
    expect(changes.filter(([name, change]) => name === 'mongo' && 'command' in change)).toEqual([]);
  });

  it.each(made)('%s has limits of memory, processes and log', (_, service) => {
    expect(service).toMatchObject({
      mem_limit: expect.stringMatching(/^\d+[mg]$/),
      pids_limit: expect.any(Number),
      logging: { driver: 'json-file', options: { 'max-size': '10m', 'max-file': '3' } },
    });
  });

  it('gets back what its image needs before it becomes an ordinary user: the stores alone', () => {
    const added = made.filter(([, service]) => 'cap_add' in service).map(([name, service]) => [name, service.cap_add]);
    expect(Object.fromEntries(added)).toEqual({
      postgres: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID'],
      mongo: ['CHOWN', 'DAC_OVERRIDE', 'SETGID', 'SETUID'],
      redis: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETPCAP', 'SETUID'],
    });
  });

  it.each([...made, ...changes])('%s is given nothing of the machine', (_, service) => {
    const given = ['privileged', 'devices', 'pid', 'ipc', 'userns_mode', 'network_mode', 'cgroup', 'group_add'];
    expect(Object.keys(service).filter((key) => given.includes(key))).toEqual([]);
    expect(wordsOf(service.volumes).filter((volume) => !/^[a-z]+_data:/.test(volume))).toEqual([]);
  });

  it.each(changes)('%s is loosened by no overlay', (_, service) => {
    const held = ['read_only', 'cap_add', 'cap_drop', 'security_opt', 'user', 'tmpfs', 'pids_limit', 'mem_limit'];
    expect(Object.keys(service).filter((key) => held.includes(key))).toEqual([]);
  });
});

describe('the networks of the compose files', () => {
  it('have one way out', () => {
    expect(Object.keys({ ...base.networks, ...scale.networks }).filter(hasWayOut)).toEqual(['outside']);
  });

  it('let the worker out, and nobody else unless docker/compose.managed.yml is named', () => {
    const out = (services: typeof made): readonly string[] =>
      services.filter(([, service]) => networksOf(service).some(hasWayOut)).map(([name]) => name);
    expect(out([...made, ...others.flatMap(changesBy)])).toEqual(['worker']);
    expect(out(changesBy(managed))).toEqual(['api', 'migrate']);
  });

  it('keep the API behind the proxy on internal networks, which carry not even a packet that nobody can answer', () => {
    expect(networksOf(scale.services.api)).toEqual(['api', 'stores']);
    const networks: Entries = { ...base.networks, ...scale.networks };
    for (const name of networksOf(scale.services.api)) expect(networks[name]).toEqual({ internal: true });
  });

  it('carry no name either: who is on the published one asks for those of the stack alone', () => {
    const published = made.filter(([, service]) => networksOf(service).includes('published'));
    expect(published.map(([name]) => name)).toEqual(['api', 'proxy']);
    for (const [, service] of published) expect(service.dns).toEqual(['127.0.0.1']);
    expect(changes.filter(([, service]) => 'dns' in service)).toEqual(changesBy(managed).slice(0, 1));
  });

  it('have a name for the way out that comes before those of the others: Docker takes the first one', () => {
    const names = Object.entries(base.networks).filter(([, network]) => entriesOf(network).internal !== true);
    expect(names.map(([name]) => name).toSorted()[0]).toBe('outside');
  });
});
