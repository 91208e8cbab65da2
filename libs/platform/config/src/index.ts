export { Config, ConfigError, loadConfig } from './config.js';
export { ConfigModule } from './config.module.js';
export { envExample } from './env-example.js';
export { SETTINGS, type ProcessName, type Setting, type SettingName } from './settings.js';
