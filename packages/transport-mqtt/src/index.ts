// For those who carry models.

export type { MqttConnect } from './connection.ts'
export { type MqttClientOptions, type MqttTransportOptions, mqttTransport } from './mqtt-transport.ts'
