import { mount } from "./app";
import { router } from "./routes";

void mount(router);
