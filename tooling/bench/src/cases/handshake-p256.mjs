import { handshakeCase } from '../key-references.mjs';

/** Made for this case, for localhost, until the next century; the key is public. */
const identity = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQAEjxq08rs/d5QHK
DrNJvMWRo5cVy2BBlpKliK8qhTihRANCAARrRcdaWe05PtJdJbr8NKa+h6NJn0J7
2KAHUeH61v+s75MW06i7grueCvkiX47KRTutUC55LgMqCmwfDhODrbqZ
-----END PRIVATE KEY-----
`,
  certificate: `-----BEGIN CERTIFICATE-----
MIIBlTCCATugAwIBAgIUAloMDvjY1k71yo05yj69CHf+5D8wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEzMDE2MjQwNloYDzIxMjYxMTA2
MTYyNDA2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARrRcdaWe05PtJdJbr8NKa+h6NJn0J72KAHUeH61v+s75MW06i7grue
CvkiX47KRTutUC55LgMqCmwfDhODrbqZo2kwZzAdBgNVHQ4EFgQUKJGtPJTn1y4a
tPU4e890Ki4kqdIwHwYDVR0jBBgwFoAUKJGtPJTn1y4atPU4e890Ki4kqdIwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SAAwRQIhAPKyrrebEuQQtn/GM3GYvAK2pTDCBityEeBmgiXAjoOTAiArpnBXRUC9
ED5xZSt+i8OYaoPf5enN0CqpHwXo8aqD1Q==
-----END CERTIFICATE-----
`,
};

export default handshakeCase('handshake-p256', identity);
