"""What a PodSpec must look like, wherever one stands: in Pods and in the templates of controllers."""
