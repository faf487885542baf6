import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';

/** What one status of a route answers with: a schema, or media types of bytes; none: no body. */
export type Content = z.ZodType | { mediaTypes: readonly string[]; description: string };

interface RawBody {
  raw: true;
  limitBytes: number;
  mediaTypes: readonly string[];
}

export interface RouteInput<Query, Body> {
  /** Values of the path's `:names`. */
  params: Record<string, string>;
  query: Query;
  body: Body;
  /** Who the token belongs to. */
  owner: string;
  request: FastifyRequest;
  reply: FastifyReply;
}

interface RouteDefinition<Query = unknown, Body = unknown> {
  method: 'GET' | 'POST' | 'DELETE';
  /** With `:names`, under /v1. */
  path: `/v1/${string}`;
  summary: string;
  tag: string;
  /** No token is asked for. */
  isOpen?: boolean;
  /** Takes `Idempotency-Key`, as a change of something does. */
  isCreation?: boolean;
  isEdit?: boolean;
  /** Of which there are as many at once as the limits say (./limits.ts); a route whose body is a file is an upload. */
  takes?: 'sheet' | 'stream';
  query?: z.ZodType<Query>;
  body?: z.ZodType<Body> | RawBody;
  /** By status. Unless the handler says otherwise a creation sends 201, anything else the lowest. */
  answers: Record<number, Content>;
  handle(input: RouteInput<Query, Body>): Promise<unknown>;
}

export interface Route extends RouteDefinition {
  status: number;
}

export const isRawBody = (body: RouteDefinition['body']): body is RawBody =>
  body !== undefined && 'raw' in body;

/** Ties the types of the schemas to those of the handler, then forgets them: routes are kept in one list. */
export function route<Query = undefined, Body = undefined>(definition: RouteDefinition<Query, Body>): Route {
  const status = definition.isCreation === true ? 201 : Number(Object.keys(definition.answers)[0]);
  return { ...(definition as unknown as RouteDefinition), status };
}

export const png = (description: string): Content => ({ mediaTypes: ['image/png'], description });
