import { describe, expect, it, vi } from 'vitest';
import { WorkerRoom } from './worker-room.js';

const signal = new AbortController().signal;
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function roomOf(slots: number, aloneWaitMs?: number) {
  const room = new WorkerRoom(slots, aloneWaitMs, 20);
  room.setOpen(true, slots);
  const [a, b, drawing] = [room.door('training'), room.door('training'), room.door('drawing')];
  return { room, a: a.door, b: b.door, drawing: drawing.door };
}

const noRoom = { code: 'worker.unavailable' };

describe('the room of a worker', () => {
  it('is one for all models', async () => {
    const { room, a, b } = roomOf(1);
    const leave = await a.enter({ alone: false, signal });
    expect(room.training).toBe(1);
    await expect(b.enter({ alone: false, signal })).rejects.toMatchObject(noRoom);
    leave();
    await b.enter({ alone: false, signal });
  });

  it('is another one for drawings', async () => {
    const { a, drawing } = roomOf(1);
    await a.enter({ alone: false, signal });
    await drawing.enter({ alone: false, signal });
    await drawing.enter({ alone: false, signal });
    await expect(drawing.enter({ alone: false, signal })).rejects.toMatchObject(noRoom);
  });

  it('is left to one that goes alone: it waits for the others, and nothing begins until it has left', async () => {
    const { a, b, drawing } = roomOf(4);
    const others = [await a.enter({ alone: false, signal }), await drawing.enter({ alone: false, signal })];
    let hasBegun = false;
    const entering = b.enter({ alone: true, signal }).finally(() => (hasBegun = true));
    for (const leave of others) {
      await settled();
      expect(hasBegun).toBe(false);
      for (const door of [a, drawing])
        await expect(door.enter({ alone: false, signal })).rejects.toMatchObject(noRoom);
      leave();
    }
    const leave = await entering;
    await expect(a.enter({ alone: true, signal })).rejects.toMatchObject(noRoom);
    await expect(drawing.enter({ alone: false, signal })).rejects.toMatchObject(noRoom);
    leave();
    await Promise.all([a, b, drawing].map((door) => door.enter({ alone: false, signal })));
  });

  it('is kept for one that has waited too long until it comes back, and is open again when it does not', async () => {
    const { a, b } = roomOf(2, 10);
    const leave = await a.enter({ alone: false, signal });
    await expect(b.enter({ alone: true, signal })).rejects.toMatchObject(noRoom);
    await expect(b.enter({ alone: false, signal })).rejects.toMatchObject(noRoom);
    leave();
    const leaveAlone = await b.enter({ alone: true, signal });
    leaveAlone();
    const again = await a.enter({ alone: false, signal });
    await expect(b.enter({ alone: true, signal })).rejects.toMatchObject(noRoom);
    await vi.waitFor(() => b.enter({ alone: false, signal }));
    again();
  });

  it('is open again when one that waited to go alone is taken away', async () => {
    const { a, b } = roomOf(2);
    await a.enter({ alone: false, signal });
    const stop = new AbortController();
    const entering = b.enter({ alone: true, signal: stop.signal });
    stop.abort();
    await expect(entering).rejects.toMatchObject({ code: 'worker.lost' });
    await b.enter({ alone: false, signal });
  });
});
