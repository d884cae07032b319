"""The rest of the template that `chalice package` does not know, and how the package is built and deployed.

    template/*.yaml + gateway_responses.py -> template_merge.py -> chalice package -> package.py
    deploy.py: preflight.py (what cannot work) -> artifacts.py (the bucket) -> stack.py (CloudFormation)

Nothing here ships: the Lambda package holds app.py, chalicelib/ and the pinned requirements only.
"""
