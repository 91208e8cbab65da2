import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Config } from '@edgechat/platform/config';
import { Log } from '@edgechat/platform/logging';
import { LanguageModel } from '../ports/language-model.js';
import { checkProvider, type Finding } from '../providers/check-provider.js';
import type { AiSettings } from '../providers/create-language-model.js';
import { leaveProviders } from '../providers/provider-fetch.js';
import { faultFields } from '../providers/what-to-mend.js';
import { REFUSED } from './failure-log.js';

/** Asks the provider once, when the process starts, whether it takes the key and has the model, and says in one line what it found. Nothing waits for it, and nothing fails by it. */
@Injectable()
export class ProviderAtStart implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly ending = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly model: LanguageModel,
    private readonly config: Config,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.check();
  }

  /** Resolves once it has said what it found, or has nothing to say. */
  get checked(): Promise<void> {
    return this.running;
  }

  beforeApplicationShutdown(): void {
    this.ending.abort();
  }

  async onApplicationShutdown(): Promise<void> {
    await leaveProviders();
  }

  private async check(): Promise<void> {
    try {
      const finding = await checkProvider(settingsOf(this.config), this.ending.signal);
      if (finding !== null) this.tell(finding);
    } catch (error) {
      if (!this.ending.signal.aborted) this.log.warn('the AI provider could not be checked', { error });
    }
  }

  private tell(finding: Finding): void {
    const { provider, model } = this.model;
    const fields = { provider, model, ...fieldsOf(provider, finding) };
    switch (finding.status) {
      case 'ready':
        return this.log.info('the AI provider is ready', fields);
      case 'not_listed':
        return this.log.warn('the AI provider does not list this model', fields);
      case 'unknown':
        return this.log.info('the AI provider was reached, and says nothing of key and model', fields);
      case 'refused':
        return this.log.error(REFUSED, fields);
      case 'away':
        return this.log.warn('the AI provider cannot be reached', fields);
    }
  }
}

/** Only what is wrong for sure is said to be wrong: `npm start` makes an order of it. */
function fieldsOf(provider: string, finding: Finding): Record<string, unknown> {
  switch (finding.status) {
    case 'ready':
      return {};
    case 'unknown':
      return { status: finding.fault.status, reason: finding.fault.reason };
    case 'not_listed': {
      const { wrong: _, ...fields } = faultFields(provider, finding.fault);
      return fields;
    }
    case 'refused':
    case 'away':
      return faultFields(provider, finding.fault);
  }
}

/** The settings as the model is chosen by them: no demo in production. */
export function settingsOf(config: Config): AiSettings {
  return { ...config, aiDemoFallback: config.aiDemoFallback && config.appEnv !== 'production' };
}
