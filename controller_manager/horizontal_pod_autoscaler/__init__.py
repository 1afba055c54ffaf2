"""The controller of HorizontalPodAutoscalers: reads metrics, and sets the scale of what they are about."""
