import { ApiProperty } from '@nestjs/swagger';

const CHECK = { enum: ['connected', 'error'], example: 'connected' };
const FAILED = { enum: ['connected', 'error'], example: 'error' };
const OK = { enum: ['ok'], example: 'ok' };

type Check = 'connected' | 'error';

export class AliveResponse {
  @ApiProperty(OK) readonly status!: 'ok';
}

/** What every 503 of a health call has. */
export class NotStartedResponse {
  @ApiProperty({ enum: ['not ready'], example: 'not ready' }) readonly status!: 'not ready';
  @ApiProperty({ example: 'Not ready. Try again shortly.' }) readonly detail!: string;
  @ApiProperty({ example: 'b1d8c2f0-example' }) readonly request_id!: string;
}

export class AppResponse extends AliveResponse {
  @ApiProperty({ example: 'EdgeChat' }) readonly app!: string;
}

export class StoreChecks {
  @ApiProperty(CHECK) readonly database!: Check;
  @ApiProperty(CHECK) readonly mongo!: Check;
  @ApiProperty(CHECK) readonly redis!: Check;
}

export class ReadyResponse extends AliveResponse {
  @ApiProperty({ type: StoreChecks }) readonly checks!: StoreChecks;
}

export class NotReadyResponse extends NotStartedResponse {
  @ApiProperty({ type: StoreChecks }) readonly checks!: StoreChecks;
}

export class DatabaseResponse extends AliveResponse {
  @ApiProperty(CHECK) readonly database!: Check;
}

export class NoDatabaseResponse extends NotStartedResponse {
  @ApiProperty(FAILED) readonly database!: Check;
}

export class MongoResponse extends AliveResponse {
  @ApiProperty(CHECK) readonly mongo!: Check;
}

export class NoMongoResponse extends NotStartedResponse {
  @ApiProperty(FAILED) readonly mongo!: Check;
}
