# One job as Firebase's real SDK is told of it. Needs Node.js with the SDKs (make sdk); Chromium where there is one.
.PHONY: webclient
webclient: $(DEV) ## The web client's flow with Firebase's SDK in Node.js and Chromium, event by event against contract 1.6 (SDK=8, KOREAN=1)
	@$(PY) -m workbench.webclient $(if $(SDK),--sdk $(SDK)) $(if $(KOREAN),--korean)
