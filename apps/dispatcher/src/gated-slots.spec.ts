import { describe, expect, it } from 'vitest';
import { GatedSlots } from './gated-slots.js';

const never = new AbortController().signal;
const activity = { type: 'activity', activityType: 'trainSegment' } as const;

async function isWaiting(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  void promise.then(
    () => (isSettled = true),
    () => (isSettled = true),
  );
  await new Promise((resolve) => setTimeout(resolve, 5));
  return !isSettled;
}

describe('gated slots', () => {
  it('hands out nothing while the gate is closed', async () => {
    const slots = new GatedSlots(2);
    const first = slots.reserveSlot({}, never);
    expect(await isWaiting(first)).toBe(true);
    expect(slots.tryReserveSlot()).toBeNull();
    slots.setOpen(true);
    expect(await isWaiting(first)).toBe(false);
  });

  it('hands out as many as there are, and each again when it is released', async () => {
    const slots = new GatedSlots(1);
    slots.setOpen(true);
    const permit = await slots.reserveSlot({}, never);
    slots.markSlotUsed();
    expect(slots.running).toBe(1);
    const second = slots.reserveSlot({}, never);
    const third = slots.reserveSlot({}, never);
    expect(await isWaiting(second)).toBe(true);
    slots.releaseSlot({ permit, slotInfo: activity } as never);
    expect(slots.running).toBe(0);
    expect(await isWaiting(second)).toBe(false);
    expect(await isWaiting(third)).toBe(true);
  });

  it('keeps handed-out slots when the gate closes', async () => {
    const slots = new GatedSlots(1);
    slots.setOpen(true);
    const permit = await slots.reserveSlot({}, never);
    slots.setOpen(false);
    slots.releaseSlot({ permit } as never);
    expect(await isWaiting(slots.reserveSlot({}, never))).toBe(true);
  });

  it('gives up a reservation that is no longer wanted', async () => {
    const slots = new GatedSlots(1);
    const stop = new AbortController();
    const reservation = slots.reserveSlot({}, stop.signal);
    stop.abort();
    await expect(reservation).rejects.toMatchObject({ name: 'AbortError' });
    slots.setOpen(true);
    expect(await isWaiting(slots.reserveSlot({}, never))).toBe(false);
  });
});
