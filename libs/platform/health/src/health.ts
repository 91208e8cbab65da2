import { Injectable } from '@nestjs/common';
import { atMost } from '@edgechat/kernel';
import { Mongo } from '@edgechat/platform/mongo';
import { Postgres } from '@edgechat/platform/postgres';
import { Redis } from '@edgechat/platform/redis';

export type StoreName = 'database' | 'mongo' | 'redis';
export type Check = 'connected' | 'error';

const PATIENCE_MS = 1_500;
const SHARED_FOR_MS = 250;
const SELECT_1 = { name: 'health', text: 'select 1' };

/** Tells people and probes how the process is. */
@Injectable()
export class Health {
  private readonly looks = new Map<StoreName, Promise<Check>>();

  constructor(
    private readonly postgres: Postgres,
    private readonly mongo: Mongo,
    private readonly redis: Redis,
  ) {}

  /** True once every store has answered this process, and for ever after: a store that goes away later must not take all replicas out of service. */
  get isStarted(): boolean {
    return this.postgres.hasStarted && this.mongo.hasStarted && this.redis.hasStarted;
  }

  /** Asks one store for a sign of life; takes at most 1.5 s. Who asks within a quarter of a second gets the same answer: anybody may ask, as often as they like. */
  check(store: StoreName): Promise<Check> {
    const known = this.looks.get(store);
    if (known) return known;
    const look = this.lookAt(store);
    this.looks.set(store, look);
    void look.then(() => setTimeout(() => this.looks.delete(store), SHARED_FOR_MS).unref());
    return look;
  }

  private async lookAt(store: StoreName): Promise<Check> {
    const asked = await atMost(
      PATIENCE_MS,
      this.ask(store).then(
        (): Check => 'connected',
        (): Check => 'error',
      ),
    );
    return asked.isLate ? 'error' : asked.value;
  }

  /** Asks all stores at once. */
  async checkAll(): Promise<Record<StoreName, Check>> {
    const [database, mongo, redis] = await Promise.all([
      this.check('database'),
      this.check('mongo'),
      this.check('redis'),
    ]);
    return { database, mongo, redis };
  }

  private async ask(store: StoreName): Promise<void> {
    if (store === 'database') await this.postgres.query(SELECT_1);
    else if (store === 'mongo') await this.mongo.ping();
    else await this.redis.probe();
  }
}
