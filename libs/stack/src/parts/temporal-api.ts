import type { Connection } from '@temporalio/client';
import Long from 'long';

export const temporalNamespace = 'default';
const retentionDays = 90;

/** temporal.api.enums.v1.IndexedValueType */
const indexedValueTypes = { KEYWORD: 2, INT: 3, DOUBLE: 4 } as const;

/** Loaded when first needed: it takes a good part of a second, in which the server can start. */
const client = () => import('@temporalio/client');
const contracts = () => import('@murnau/contracts');

export async function connectTemporal(address: string): Promise<Connection> {
  return (await client()).Connection.connect({ address, connectTimeout: '2s' });
}

interface NamespaceFacts {
  retentionDays: number;
  missingAttributes: string[];
}

export async function describeNamespace(connection: Connection): Promise<NamespaceFacts> {
  const [{ searchAttributes }, { config }, { customAttributes }] = await Promise.all([
    contracts(),
    connection.workflowService.describeNamespace({ namespace: temporalNamespace }),
    connection.operatorService.listSearchAttributes({ namespace: temporalNamespace }),
  ]);
  return {
    retentionDays: Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / 86_400,
    missingAttributes: Object.keys(searchAttributes).filter((name) => !(name in (customAttributes ?? {}))),
  };
}

/**
 * Sets the retention and adds the search attributes that are missing. By API and each time: the server's start flags
 * are ignored on data that exist already.
 */
export async function prepareNamespace(address: string): Promise<void> {
  const connection = await connectTemporal(address);
  try {
    const facts = await describeNamespace(connection);
    if (facts.retentionDays !== retentionDays) {
      await connection.workflowService.updateNamespace({
        namespace: temporalNamespace,
        config: { workflowExecutionRetentionTtl: { seconds: Long.fromNumber(retentionDays * 86_400) } },
      });
    }
    if (facts.missingAttributes.length > 0) {
      const { searchAttributes } = await contracts();
      const missing = Object.entries(searchAttributes).filter(([name]) =>
        facts.missingAttributes.includes(name),
      );
      await connection.operatorService.addSearchAttributes({
        namespace: temporalNamespace,
        searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, indexedValueTypes[type]])),
      });
    }
  } finally {
    await connection.close();
  }
}

const kinds = { workflow: 1, activity: 2 } as const;

/** Whether the process `pid` polls a task queue: the SDK's identity begins with `<pid>@`. */
export async function isPolling(
  connection: Connection,
  { queue, kind, pid }: { queue: string; kind: keyof typeof kinds; pid: number },
): Promise<boolean> {
  const { pollers } = await connection.workflowService.describeTaskQueue({
    namespace: temporalNamespace,
    taskQueue: { name: queue },
    taskQueueType: kinds[kind],
  });
  return (pollers ?? []).some((poller) => poller.identity?.startsWith(`${pid}@`));
}
