import { RouteConfig } from '@nestjs/platform-fastify';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import type { FastifyContextConfig } from 'fastify';

/** Adds to what a route says of itself to the hooks of the edge. (Nest's own decorator would replace what another one said.) */
export function routeConfig(part: FastifyContextConfig): MethodDecorator {
  return (target, name, descriptor) => {
    const known: unknown = Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, Object(descriptor.value));
    RouteConfig({ ...(typeof known === 'object' ? known : {}), ...part })(target, name, descriptor);
  };
}
