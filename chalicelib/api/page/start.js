"use strict";

// The document lies beside the folder of this script: <base>/openapi and <base>/docs/start.js.
SwaggerUIBundle({
  url: new URL("../openapi", document.currentScript.src).href,
  dom_id: "#page",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
