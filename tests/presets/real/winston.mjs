import { library, said } from './library.mjs';

const winston = library('winston');
const { combine, timestamp, json } = winston.format;
const log = winston.createLogger({
  format: combine(timestamp(), json()),
  defaultMeta: { service: 'chat' },
  transports: [new winston.transports.Console()],
});
for (const [message, fields] of said) log.info(message, fields);
log.child({ userId: 'u-3', model: 'gpt-4o' }).error('failed', { prompt: 'fail', error: 'boom' });
