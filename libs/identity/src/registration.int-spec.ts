import type { INestApplicationContext } from '@nestjs/common';
import { eventually } from '@edgechat/testing';
import { Authenticator, RegisterAccount, type TokenPair } from './index.js';
import { Invites } from './persistence/invites.js';
import { aDatabase, anEmail, aReplica, sqlOf, type TestDatabase } from './test-identity.js';
import { MakeInvite } from './use-cases/make-invite.js';

const PASSWORD = 'a fine old password 7';
const HOUR_S = 3_600;
const DAY_S = 86_400;

let used = 0;
/** Redis is shared with other tests: each test has addresses of its own, of this run. */
const RUN = Math.floor(Math.random() * 0xffff).toString(16);
const anAddress = (): string => `here:${RUN}:${(used += 1)}`;
const aPrefix = (): string => `2001:db8:${Math.floor(Math.random() * 0xffff).toString(16)}`;

describe('registration', () => {
  let database: TestDatabase;
  let open: INestApplicationContext;
  let invited: INestApplicationContext;
  let alsoInvited: INestApplicationContext;
  let closed: INestApplicationContext;
  beforeAll(async () => {
    database = await aDatabase(process.env);
    const limits = { REGISTRATIONS_PER_HOUR: '3', REGISTRATIONS_PER_DAY: '5' };
    [open, invited, alsoInvited, closed] = await Promise.all([
      aReplica({ ...database.env, ...limits }),
      aReplica({ ...database.env, REGISTRATION: 'invite' }),
      aReplica({ ...database.env, REGISTRATION: 'invite' }),
      aReplica({ ...database.env, REGISTRATION: 'closed' }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([open, invited, alsoInvited, closed].map((replica) => replica?.close()));
    await database?.drop();
  });

  const register = (
    at: INestApplicationContext,
    {
      email = anEmail(),
      addressKey = anAddress(),
      inviteCode,
    }: Partial<Parameters<RegisterAccount['execute']>[0]> = {},
  ): Promise<TokenPair> => at.get(RegisterAccount).execute({ email, password: PASSWORD, addressKey, inviteCode });
  const invite = async (good = { uses: 1, days: 7 }): Promise<string> => {
    const { code } = await new MakeInvite(invited.get(Invites, { strict: false })).execute(good);
    return code;
  };
  const usesLeft = async (): Promise<number[]> =>
    (await sqlOf(open)<{ uses_left: number }>('select uses_left from edgechat.invites order by created_at')).map(
      (row) => row.uses_left,
    );
  const outcomesOf = async (work: readonly Promise<unknown>[]): Promise<string[]> =>
    (await Promise.allSettled(work)).map((one) => (one.status === 'fulfilled' ? 'made' : String(one.reason.code)));
  const accountsOf = async (key: string): Promise<number> =>
    (await sqlOf(open)('select 1 from edgechat.accounts where email_key = $1::text', key)).length;

  describe('that is closed', () => {
    it('makes no account, and tells nothing of those there are', async () => {
      const email = anEmail();
      await register(open, { email });
      for (const one of [email, anEmail()])
        await expect(register(closed, { email: one, inviteCode: await invite() })).rejects.toMatchObject({
          code: 'registration_closed',
        });
    });
  });

  describe('by invitation', () => {
    beforeEach(() => sqlOf(open)('delete from edgechat.invites'));

    it('asks for a code, and takes one that is good, however it is written', async () => {
      for (const inviteCode of [undefined, '', ' - '])
        await expect(register(invited, { inviteCode })).rejects.toMatchObject({ code: 'invite_required' });

      const tokens = await register(invited, { inviteCode: ` ${(await invite()).toLowerCase().replaceAll('-', ' ')}` });

      await expect(invited.get(Authenticator).authenticate(tokens.accessToken)).resolves.toBeDefined();
      expect(await usesLeft()).toEqual([0]);
    });

    it('says the same of a code that is unknown, used up or expired, before it tells whether an address has an account', async () => {
      const [usedUp, expired] = [await invite(), await invite()];
      const email = anEmail();
      await register(invited, { email, inviteCode: usedUp });
      await sqlOf(open)('update edgechat.invites set expires_at = clock_timestamp() where uses_left = 1');
      const answers = [usedUp, expired, `${usedUp}0`, 'x'].flatMap((inviteCode) =>
        [email, anEmail()].map((one) => register(invited, { email: one, inviteCode }).catch((error: unknown) => error)),
      );
      for (const answer of await Promise.all(answers))
        expect(answer).toMatchObject({
          code: 'invite_invalid',
          detail: 'This invite code is unknown, used up or expired. Ask for another one.',
        });
    });

    it('makes one account of a code for one, and so many of a code for more, however many come at once to two replicas', async () => {
      for (const uses of [1, 3]) {
        const inviteCode = await invite({ uses, days: 1 });
        const outcomes = await outcomesOf(
          Array.from({ length: 8 }, (_, n) => register(n % 2 === 0 ? invited : alsoInvited, { inviteCode })),
        );
        expect(outcomes.filter((outcome) => outcome === 'made')).toHaveLength(uses);
        expect(new Set(outcomes)).toEqual(new Set(['made', 'invite_invalid']));
      }
      expect(await usesLeft()).toEqual([0, 0]);
    });

    it('consumes nothing when the account cannot be made', async () => {
      const [inviteCode, email] = [await invite({ uses: 2, days: 1 }), anEmail()];
      // Of eight that want one address one gets it; the others knew at first, or found it taken when they were about to have it.
      const outcomes = await outcomesOf(
        Array.from({ length: 8 }, (_, n) => register(n % 2 === 0 ? invited : alsoInvited, { email, inviteCode })),
      );
      expect(outcomes.filter((outcome) => outcome === 'made')).toHaveLength(1);
      expect(await usesLeft()).toEqual([1]);

      await sqlOf(open)('alter table edgechat.login_addresses rename to away');
      await expect(register(invited, { inviteCode })).rejects.toThrow();
      await sqlOf(open)('alter table edgechat.away rename to login_addresses');
      expect(await usesLeft()).toEqual([1]);
      await register(invited, { inviteCode });
      expect(await usesLeft()).toEqual([0]);
    });

    it('keeps only a hash of a code, and forgets those that expired a month ago', async () => {
      const code = await invite();
      const [row] = await sqlOf(open)<{ row: string }>('select i::text as row from edgechat.invites i');
      expect(row?.row).not.toContain(code);
      expect(row?.row.toUpperCase()).not.toContain(Buffer.from(code.replaceAll('-', '')).toString('hex').toUpperCase());
      await sqlOf(open)(`update edgechat.invites set expires_at = clock_timestamp() - interval '31 days'`);
      await invite();
      expect(await usesLeft()).toEqual([1]);
    });
  });

  it('that is open asks for no code, and ignores one', async () => {
    const inviteCode = await invite();
    await register(open, { inviteCode });
    await register(open, { inviteCode: 'nonsense' });
    expect((await usesLeft()).at(-1)).toBe(1);
  });

  describe('from one address', () => {
    it('is so often in an hour and no more, however many come at once; elsewhere it goes on', async () => {
      const [addressKey, email] = [anAddress(), anEmail()];
      const outcomes = await outcomesOf([
        ...Array.from({ length: 9 }, () => register(open, { addressKey })),
        register(open, { email }),
      ]);
      expect(outcomes.filter((outcome) => outcome === 'made')).toHaveLength(4);
      expect(new Set(outcomes)).toEqual(new Set(['made', 'too_many_registrations']));
      expect(await accountsOf(email.key)).toBe(1);
      const refused: unknown = await register(open, { addressKey }).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'too_many_registrations' });
      expect(retryAfterOf(refused)).toBeGreaterThan(HOUR_S - 300);
      expect(retryAfterOf(refused)).toBeLessThanOrEqual(HOUR_S);
    });

    it('counts accounts that were made, and nothing that failed', async () => {
      const [addressKey, email] = [anAddress(), anEmail()];
      await register(open, { addressKey, email });
      for (let n = 0; n < 4; n += 1)
        await expect(register(open, { addressKey, email })).rejects.toMatchObject({ code: 'email_taken' });
      const at = anEmail();
      const outcomes = await outcomesOf([1, 2, 3].map(() => register(open, { addressKey, email: at })));
      expect(outcomes.filter((outcome) => outcome === 'made')).toHaveLength(1);
      await register(open, { addressKey });
      await expect(register(open, { addressKey })).rejects.toMatchObject({ code: 'too_many_registrations' });
    });

    it('counts nothing while the store is away', async () => {
      const addressKey = anAddress();
      await sqlOf(open)('alter table edgechat.login_addresses rename to away');
      const failed = await Promise.allSettled([1, 2, 3, 4].map(() => register(open, { addressKey })));
      await sqlOf(open)('alter table edgechat.away rename to login_addresses');
      expect(failed.map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
      const outcomes = await outcomesOf([1, 2, 3].map(() => register(open, { addressKey })));
      expect(outcomes).toEqual(['made', 'made', 'made']);
    });

    it('counts IPv6 by /64, by /56 with four times as many, and by /48 with sixteen', async () => {
      const prefix = aPrefix();
      const from = (network: number) => register(open, { addressKey: `${prefix}:${network.toString(16)}::/64` });
      const inOne = await outcomesOf([1, 2, 3, 4].map(() => from(0x100)));
      expect(inOne.filter((outcome) => outcome === 'made')).toHaveLength(3);
      const in56 = await outcomesOf(Array.from({ length: 12 }, (_, n) => from(0x101 + n)));
      expect(in56.filter((outcome) => outcome === 'made')).toHaveLength(9);
      const in48 = await outcomesOf(Array.from({ length: 40 }, (_, n) => from(0x200 + n * 0x100)));
      expect(in48.filter((outcome) => outcome === 'made')).toHaveLength(48 - 12);
      expect(await outcomesOf([register(open, { addressKey: `${aPrefix()}:100::/64` })])).toEqual(['made']);
    });

    it('goes on in each process while Redis is away', async () => {
      const alone = await aReplica(
        { ...database.env, REDIS_URL: 'redis://127.0.0.1:1/0', REGISTRATIONS_PER_DAY: '2' },
        'away',
      );
      const addressKey = anAddress();
      const outcomes = await outcomesOf([1, 2, 3].map(() => register(alone, { addressKey })));
      expect(outcomes.sort()).toEqual(['made', 'made', 'too_many_registrations']);
      const refused: unknown = await register(alone, { addressKey }).catch((error: unknown) => error);
      expect(retryAfterOf(refused)).toBeGreaterThan(DAY_S - 300);
      await alone.close();
    });

    it('lets nobody at 0, and everybody at unlimited', async () => {
      const none = await aReplica({ ...database.env, REGISTRATIONS_PER_HOUR: '0' });
      await expect(register(none)).rejects.toMatchObject({ code: 'too_many_registrations' });
      await none.close();
      const addressKey = anAddress();
      const inviteCode = await invite({ uses: 8, days: 1 });
      await eventually(() => register(invited, { addressKey, inviteCode }));
      for (let n = 0; n < 6; n += 1) await register(invited, { addressKey, inviteCode });
    });
  });
});

const retryAfterOf = (error: unknown): number => {
  const { options }: { options?: { retryAfterS?: number } } = Object(error);
  return options?.retryAfterS ?? 0;
};
