import { RouteConfig } from '@nestjs/platform-fastify';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import type { FastifyContextConfig } from 'fastify';

/** Adds to what a route says of itself to the hooks of the edge. (Nest's own decorator would replace what another one said.) */
export function routeConfig(part: FastifyContextConfig): MethodDecorator {
  return (target, name, descriptor) => {
    const route: unknown = descriptor.value;
    const known: unknown =
      typeof route === 'function' ? Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, route) : undefined;
    RouteConfig({ ...(typeof known === 'object' ? known : {}), ...part })(target, name, descriptor);
  };
}
