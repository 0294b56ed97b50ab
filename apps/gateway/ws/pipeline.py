"""`/ws/pipeline/`: what GET /api/v1/pipeline answers, every second."""

from django.conf import settings

from apps.gateway.live.pipeline_watch import pipeline_watch
from apps.gateway.live.visitor import Turned
from apps.gateway.ws.live_socket import LiveSocket


class PipelineSocket(LiveSocket):
    """Sends the state from the first moment on; there is nothing to subscribe to."""

    face = "pipeline"

    async def welcome(self) -> None:
        """Begin to send. Raises Turned for whoever may not see the cluster of this gateway."""
        if not self.visitor.principal.may_see(settings.CLUSTER_ID):
            raise Turned(403, "Your token is not for the cluster that this gateway serves.")
        pipeline_watch().join(self.feed)

    def leave(self) -> None:
        """Send nothing more."""
        pipeline_watch().leave(self.feed)
