import type { Command } from 'commander';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { galleryLogin } from '../../core/gallery.js';
import { dashboardViews } from './views.js';

export function register(command: Command, host: Host): void {
  action(command, host, async (context) => {
    const info = await context.client().info();
    const views = dashboardViews(info, new Date());
    const gallery = await galleryLogin(context, info.gallery_url);
    context.result({ gallery, views }, () => {
      const { out } = context.io;
      const { bold, dim } = out.colours;
      for (const { name, shows, url } of views) out.line(`${bold(name)} ${dim(`– ${shows}`)}\n  ${url}`);
      out.line(`${bold('gallery')} ${dim('– pictures, runs and sweeps')}\n  ${gallery}`);
    });
  });
}
