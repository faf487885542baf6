import {
  createDatasetSchema,
  createRunSchema,
  createSweepSchema,
  datasetPageSchema,
  datasetSchema,
  decisionPageSchema,
  embeddingPageSchema,
  embeddingSchema,
  errorRegistry,
  eventListSchema,
  eventSchema,
  failureSchema,
  finalistListSchema,
  finalistSchema,
  generationPageSchema,
  generationRequestSchema,
  generationSchema,
  imageBlobSchema,
  blobSchema,
  leaderboardPageSchema,
  loginSchema,
  metricPageSchema,
  metricPointSchema,
  modelListSchema,
  modelSchema,
  parameterSchema,
  problemSchema,
  removalSchema,
  runPageSchema,
  runSchema,
  samplePageSchema,
  sampleSchema,
  serverInfoSchema,
  statusSchema,
  sweepDecisionSchema,
  sweepFileSchema,
  sweepPageSchema,
  sweepPlanSchema,
  sweepSchema,
  trainingSpecSchema,
  workerListSchema,
  workerSchema,
} from '@murnau/domain';
import { z } from 'zod';
import { type Content, isRawBody, type Route } from './route.js';

type JsonObject = Record<string, unknown>;

/** What answers are made of: every default filled in. */
const answerSchemas: Record<string, z.ZodType> = {
  Blob: blobSchema,
  Dataset: datasetSchema,
  DatasetPage: datasetPageSchema,
  DecisionPage: decisionPageSchema,
  Embedding: embeddingSchema,
  EmbeddingPage: embeddingPageSchema,
  Event: eventSchema,
  EventList: eventListSchema,
  Failure: failureSchema,
  Finalist: finalistSchema,
  FinalistList: finalistListSchema,
  Generation: generationSchema,
  GenerationPage: generationPageSchema,
  GenerationRequest: generationRequestSchema,
  ImageBlob: imageBlobSchema,
  LeaderboardPage: leaderboardPageSchema,
  Login: loginSchema,
  MetricPage: metricPageSchema,
  MetricPoint: metricPointSchema,
  Model: modelSchema,
  ModelList: modelListSchema,
  Problem: problemSchema,
  Removal: removalSchema,
  Run: runSchema,
  RunPage: runPageSchema,
  Sample: sampleSchema,
  SamplePage: samplePageSchema,
  SearchedParameter: parameterSchema,
  ServerInfo: serverInfoSchema,
  Status: statusSchema,
  Sweep: sweepSchema,
  SweepDecision: sweepDecisionSchema,
  SweepFile: sweepFileSchema,
  SweepPage: sweepPageSchema,
  SweepPlan: sweepPlanSchema,
  TrainingSpec: trainingSpecSchema,
  Worker: workerSchema,
  WorkerList: workerListSchema,
};
/** What requests are made of: what has a default may be left out. */
const requestSchemas: Record<string, z.ZodType> = {
  CreateDataset: createDatasetSchema,
  CreateGeneration: generationRequestSchema,
  CreateRun: createRunSchema,
  CreateSweep: createSweepSchema,
  SearchedParameterInput: parameterSchema,
  SweepFileInput: sweepFileSchema,
  TrainingSpecInput: trainingSpecSchema,
};

const reference = (name: string): string => `#/components/schemas/${name}`;

function components(schemas: Record<string, z.ZodType>, io: 'input' | 'output'): JsonObject {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const { schemas: made } = z.toJSONSchema(registry, { io, unrepresentable: 'any', uri: reference });
  return Object.fromEntries(
    Object.entries(made).map(([name, { $id, $schema, ...schema }]) => [name, schema]),
  );
}

function schemaOf(schema: z.ZodType, named: Record<string, z.ZodType>, io: 'input' | 'output'): JsonObject {
  const name = Object.keys(named).find((candidate) => named[candidate] === schema);
  if (name !== undefined) return { $ref: reference(name) };
  const { $schema, ...inline } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return inline;
}

function answer(content: Content): JsonObject {
  if ('mediaTypes' in content) {
    const { description, mediaTypes } = content;
    const types = Object.fromEntries(mediaTypes.map((type) => [type, {}]));
    return { description, ...(mediaTypes.length === 0 ? {} : { content: types }) };
  }
  const schema = schemaOf(content, answerSchemas, 'output');
  return { description: 'Done', content: { 'application/json': { schema } } };
}

function parameters({ path, query, isCreation = false, isEdit = false }: Route): JsonObject[] {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const shape = query instanceof z.ZodObject ? (query.shape as Record<string, z.ZodType>) : {};
  const inQuery = Object.entries(shape).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !schema.safeParse(undefined).success,
    schema: schemaOf(schema, {}, 'output'),
  }));
  const key = {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description: 'The same key and request are answered again and create, or change, nothing a second time.',
    schema: { type: 'string', minLength: 1, maxLength: 200 },
  };
  return [...inPath, ...inQuery, ...(isCreation || isEdit ? [key] : [])];
}

const statuses = [...new Set(Object.values(errorRegistry).map(({ httpStatus }) => httpStatus))].sort();

/** Refusals that an operation may answer with: a status is left out where nothing can lead to it. */
function problemStatuses({ method, path, body, isOpen = false }: Route): number[] {
  const impossible = new Set([
    // It has been found that there is something, and the method is that of the operation.
    405,
    ...(isOpen ? [401] : []),
    ...(method === 'GET' ? [409, 413, 415] : []),
    ...(method === 'GET' && !path.includes(':') ? [404] : []),
    // Any media type is taken.
    ...(isRawBody(body) ? [415] : []),
  ]);
  return statuses.filter((status) => !impossible.has(status));
}

function operation(route: Route): JsonObject {
  const { method, path, summary, tag, body, answers, isOpen = false } = route;
  const rawBody = isRawBody(body) ? Object.fromEntries(body.mediaTypes.map((type) => [type, {}])) : undefined;
  const jsonBody =
    body === undefined || isRawBody(body)
      ? undefined
      : { 'application/json': { schema: schemaOf(body, requestSchemas, 'input') } };
  const content = rawBody ?? jsonBody;
  const words = path
    .replace('/v1/', '')
    .split(/[/.]/)
    .map((word) => word.replace(/^:/, 'by-'));
  return {
    operationId: [method.toLowerCase(), ...words].join('-'),
    summary,
    tags: [tag],
    parameters: parameters(route),
    ...(content === undefined ? {} : { requestBody: { required: true, content } }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, one]) => [status, answer(one)])),
      ...Object.fromEntries(
        problemStatuses(route).map((status) => [status, { $ref: '#/components/responses/Problem' }]),
      ),
    },
    ...(isOpen ? { security: [] } : {}),
  };
}

/** OpenAPI 3.1 of the routes, from the schemas that check them. */
export function openApi(routes: readonly Route[], version: string): JsonObject {
  const paths: Record<string, JsonObject> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'murnau', version, description: 'Textual inversion for Kandinsky, as a service.' },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { ...components(requestSchemas, 'input'), ...components(answerSchemas, 'output') },
      responses: {
        Problem: {
          description: `A problem (RFC 9457). Codes: ${Object.keys(errorRegistry).join(', ')}.`,
          content: { 'application/problem+json': { schema: { $ref: reference('Problem') } } },
        },
      },
    },
  };
}
