import { resolve } from 'node:path';
import { userInfo } from 'node:os';
import { describe, expect, it, vi } from 'vitest';
import { accountName, dataFolder, settingsFolder } from './folders.js';

vi.mock('node:os', async (original) => {
  const os = await original<typeof import('node:os')>();
  return { ...os, userInfo: vi.fn(os.userInfo) };
});

/** As for a user id without an entry in /etc/passwd. */
const withoutAccount = () =>
  vi.mocked(userInfo).mockImplementation(() => {
    throw new Error('ENOENT: no such file or directory, uv_os_get_passwd');
  });

describe('dataFolder', () => {
  it('is MURNAU_HOME, from the folder one is in', () => {
    expect(dataFolder({ MURNAU_HOME: '/data', XDG_DATA_HOME: '/x', HOME: '/h' })).toBe('/data');
    expect(dataFolder({ MURNAU_HOME: 'data' })).toBe(resolve('data'));
    expect(dataFolder({ MURNAU_HOME: './~data' })).toBe(resolve('~data'));
  });

  it('lies in XDG_DATA_HOME, else in the home folder, each only with an absolute path', () => {
    expect(dataFolder({ MURNAU_HOME: '', XDG_DATA_HOME: '/x', HOME: '/h' })).toBe('/x/murnau');
    expect(dataFolder({ XDG_DATA_HOME: 'x', HOME: '/h' })).toBe('/h/.local/share/murnau');
    expect(dataFolder({ HOME: '' })).toBe(`${userInfo().homedir}/.local/share/murnau`);
    expect(settingsFolder({ XDG_CONFIG_HOME: '/c', HOME: '/h' })).toBe('/c');
    expect(settingsFolder({ HOME: '/h' })).toBe('/h/.config');
  });

  it('is refused with a tilde that no shell has replaced', () => {
    expect(() => dataFolder({ MURNAU_HOME: '~/murnau' })).toThrow(
      expect.objectContaining({ code: 'setup.home_unusable', field: 'MURNAU_HOME', given: '~/murnau' }),
    );
  });

  it.each([' ', '\t \n'])('is refused as nothing but blanks: %j', (given) => {
    expect(() => dataFolder({ MURNAU_HOME: given, HOME: '/h' })).toThrow(
      expect.objectContaining({
        code: 'setup.home_unusable',
        given,
        message: expect.stringContaining('nothing but blanks') as string,
      }),
    );
  });

  it('is refused as a path from a folder that was removed', () => {
    const cwd = vi.spyOn(process, 'cwd').mockImplementation(() => {
      throw new Error('ENOENT: no such file or directory, uv_cwd');
    });
    expect(() => dataFolder({ MURNAU_HOME: 'data' })).toThrow(/that folder is gone/);
    expect(dataFolder({ MURNAU_HOME: '/data' })).toBe('/data');
    cwd.mockRestore();
  });

  it('is refused, saying what to set, where nothing tells of a home', () => {
    withoutAccount();
    expect(accountName()).toBeUndefined();
    expect(() => dataFolder({})).toThrow(/HOME is not set.*Set HOME, or MURNAU_HOME/);
    expect(() => settingsFolder({})).toThrow(expect.objectContaining({ code: 'setup.home_unusable' }));
    expect(dataFolder({ MURNAU_HOME: '/data' })).toBe('/data');
    expect(dataFolder({ HOME: '/h' })).toBe('/h/.local/share/murnau');
  });
});
